"""The product that the demo watches: it predicts which New York departures of 2013 arrive 15 minutes late or later.

`warehouse` builds the product's database from the public flight and weather records of 2013, `model` trains and
scores, `retraining` refits on recent flights. Nothing here knows of Lupus: this is what is monitored.
"""
