"""What a server does, whatever protocol it is asked in: who may come, flows, runs, limits."""
