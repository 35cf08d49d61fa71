"""`doctor` and `backup`: the vault checked, mended, saved, rebuilt."""
