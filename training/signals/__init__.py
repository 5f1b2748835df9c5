"""Signal generators that training learns from: a function per kind of sound, from a random generator to samples.

`lessons` says what each of them teaches. The generators that only judge lie elsewhere (`training.unseen`), and the two
share no code on purpose.
"""
