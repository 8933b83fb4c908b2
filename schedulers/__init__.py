"""The decisions: policies, written once as compiled functions, and the registry that names them."""
