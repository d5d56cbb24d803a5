//! Card numbers, codes and the like never reach stable storage: masked in text, muted in sound.
