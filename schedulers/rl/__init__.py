"""Learning to schedule: Gymnasium environments over the compiled engine, training, and policies that were learned."""
