"""Compute Table 1 under every combination of the choices that the paper leaves open; what is there already is kept."""

from moe_tutorial.multiverse import compute

if __name__ == "__main__":
    compute()
