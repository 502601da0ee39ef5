"""What the contract suite talks to: one conversation on each platform, in the same few words."""
