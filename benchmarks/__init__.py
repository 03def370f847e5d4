"""How fast it is: each module measures one thing and prints its ratio; none of it is a test."""
