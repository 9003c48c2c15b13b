"""Other people's software on our films and folds."""
