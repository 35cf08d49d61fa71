"""Drawing for a person: one module for each kind of thing that is drawn."""
