"""Mode, model and thinking of an agent."""
