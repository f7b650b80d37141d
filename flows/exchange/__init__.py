"""Flows in other forms: pictures and listings for people, scripts and files for other tools."""
