SELECT DISTINCT topic, topic_id FROM accepted_topics
