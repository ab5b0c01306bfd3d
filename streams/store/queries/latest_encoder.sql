-- The encoder of the vectors made last, or an empty string if there are none.
SELECT argMax(encoder, made_at) AS encoder FROM embeddings
