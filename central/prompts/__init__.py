"""Words of menus as persons say them: uploaded or said by telephone, played instead of speech."""
