"""Reports: one HTML file per recording, an index of a folder, and pictures. page/ has what runs in a browser."""
