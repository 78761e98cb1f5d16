"""The adaptive constructor: samples, fibres along every axis, and the search."""
