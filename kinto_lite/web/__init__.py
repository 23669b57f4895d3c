"""Bottle lives here, and only here: from a WSGI call to an `ApiRequest`, and back."""
