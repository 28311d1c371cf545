"""What a fine-tune unlearned: probes of general ability, before and after."""
