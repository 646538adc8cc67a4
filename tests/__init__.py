"""The tests; each file is named for what it tests."""
