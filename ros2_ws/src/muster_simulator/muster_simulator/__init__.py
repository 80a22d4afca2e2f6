"""A simulated world behind the robots' topics, and the demo that shows the whole road."""
