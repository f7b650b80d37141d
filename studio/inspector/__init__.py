"""The settings of the node that is selected."""
