"""The schema's history: one file a revision under `versions`, applied on opening by `unseen_server.worklist.opening`."""
