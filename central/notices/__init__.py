"""What a nurse station is told and confirms: who comes, who goes. By loudspeaker and telephone."""
