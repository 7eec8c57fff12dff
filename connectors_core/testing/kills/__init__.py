"""Workers in processes of their own, which are killed, and what they have stored."""
