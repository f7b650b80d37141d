"""Every method and every trainer to its end, on a real small model. See __main__."""
