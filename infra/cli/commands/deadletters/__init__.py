"""`verdicts deadletters`: inspect, replay or discard records that could not be applied."""
