"""The nurse-station board: live, readable from three metres, honest about not being live."""
