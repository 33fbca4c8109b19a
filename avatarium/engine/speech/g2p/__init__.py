"""Words into the phoneme alphabet of the voices: misaki's, in which Kokoro and hibari were trained."""
