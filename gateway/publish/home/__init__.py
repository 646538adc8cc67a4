"""What Home Assistant is told, so that boards and sensors appear there by themselves (MQTT discovery, by device)."""
