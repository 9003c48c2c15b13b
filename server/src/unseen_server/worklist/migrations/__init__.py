"""The schema's history: one file a revision under `versions`, applied by `unseen_server.worklist.opening`."""
