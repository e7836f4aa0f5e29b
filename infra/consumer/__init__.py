"""How this project consumes: Faust, fed in batches, with offsets beside what they are for."""
