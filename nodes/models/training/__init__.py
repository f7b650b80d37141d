"""How the adapters that ship were made: their data, and the script that trains on it."""
