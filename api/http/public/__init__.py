"""Pages for whoever holds a link or stands before an appliance: no sign-in, no script needed, a GET never acts."""
