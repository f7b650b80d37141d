"""Models that another process of this machine has opened, for processes that share one."""
