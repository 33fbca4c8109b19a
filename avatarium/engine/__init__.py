"""The media engine: speech, faces, pictures and video. It knows no web, no database and no settings."""
