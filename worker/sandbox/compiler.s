// Empty: with it a function may be declared whose body is in another package.
