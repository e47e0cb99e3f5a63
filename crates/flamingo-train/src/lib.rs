//! Recipes, the loop, losses, schedules, checkpoints.
