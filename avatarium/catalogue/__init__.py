"""What tasks choose from: avatars, backgrounds and voices, those that ship and those of users."""
