"""Built-in plugins, one module each, through the same door as everybody's: `hooks.Plugin`."""
