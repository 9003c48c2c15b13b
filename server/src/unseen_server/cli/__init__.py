"""Commands of the server. `pyproject.toml` registers them for the program `unseen`, in the group `unseen.commands`."""
