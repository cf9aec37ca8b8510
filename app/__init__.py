"""What a person sees and starts. Gradio lives here only."""
