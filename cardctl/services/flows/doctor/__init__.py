"""`doctor`: whether all that cardctl needs is there and works. It looks, and changes nothing: what is not made yet stays so."""
