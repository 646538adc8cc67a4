"""A real Home Assistant for tests."""
