"""Signs up and reads the profile, with the client that openapi-python-client made of openapi.json."""

import sys

from api_client import AuthenticatedClient, Client
from api_client.api.auth import register, show_me
from api_client.models import DataProfile, DataRegistered, NewUser, Organization, Problem, Profile, User

# Clients need these by name: an envelope refers to what it holds.
assert {User, Organization, Problem}

url, email, password = sys.argv[1:]

registered = register.sync(client=Client(url), body=NewUser(name="Ada Lovelace", email=email, password=password))
assert isinstance(registered, DataRegistered), registered

me = show_me.sync(client=AuthenticatedClient(url, registered.data.access_token))
assert isinstance(me, DataProfile), me
profile: Profile = me.data
print(profile.email)
