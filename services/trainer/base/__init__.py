"""Fine-tunes a ready-made base model, read from a GGUF file, on Mercer's dialogues; see ../README.md."""
