"""What snncc measures about itself; ``python -m bench`` or ``make bench`` runs all of it."""
