"""What each command does, a file each; cli.py calls them."""
