"""What a prompt is: frozen values and pure functions, standard library only."""
