"""Speed, against the floor and against peers, measured in one run. `make bench`."""
