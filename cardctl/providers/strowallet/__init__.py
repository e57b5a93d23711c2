"""Strowallet's card API, both of its dollar products, in the same rooms as every provider."""
