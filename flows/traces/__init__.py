"""Runs as traces: spans in the words of OpenTelemetry, sent where the person says."""
