//! Attributes: lamps, machines, screens.

use super::Attribute;

pub(super) const ATTRIBUTES: &[Attribute] = &[
    (
        "battery_life|runtime",
        "how long does the [a:battery last]?|what's the [a:battery life] like?|\
         whats the [a:battery life]$of|how long will the [a:battery last]?|\
         how long does a [a:charge last]?|is the [a:battery] any good?|\
         how many hours of [a:battery] $does have?|\
         i'm on 12 hour shifts. is the [a:battery going] to see me through?|\
         do i have to plug it in every [a:night]?|how often $does need [a:juice]?|\
         flying to australia, would the [a:battery survive] that?|\
         my last one went flat by lunch. what [a:battery life] can i expect?|\
         after a [a:full charge] how many hours|hours per [a:charge]?|\
         can the [a:battery] be replaced if it dies?",
        "$n hours|up to $n h|$d days",
    ),
    (
        "charging_time|charging",
        "how long $does take to [a:charge]?|what is the [a:charging time]$of?|\
         how fast $does [a:charge]?|how is it [a:charged]?|$does [a:charge quickly]?|\
         from empty to full, how long is [a:charging]?|can i [a:charge] it in the car?|\
         $does take the same [a:charger] as my phone?|is there [a:fast charging]?|\
         i forget to plug things in. how quick is the [a:charge]?|\
         wireless [a:charging possible]?|$does [a:recharge overnight]",
        "$d hours|$n minutes|by USB-C",
    ),
    (
        "battery_type|batteries",
        "what [a:batteries] $does need?|$does need [a:batteries]?|are [a:batteries included]?|\
         which [a:batteries] $does take?|does that run on [a:batteries]?|\
         double A or triple A [a:batteries]?|must i buy [a:batteries] as well?|\
         it's for christmas morning so will there be [a:batteries] in the box?|\
         $does take the flat round [a:batteries]?|lithium or normal [a:battery]?|\
         can i use [a:rechargeable batteries] in it|$does run off the [a:mains] or what",
        "$d AA|$d AAA, included|CR2032|not included",
    ),
    (
        "power|wattage",
        "how many [a:watts] $is?|what [a:power] $does have?|how [a:powerful] $is?|\
         what's the [a:wattage]$of?|$is [a:powerful]?|\
         we only have a 10 amp hookup on site. what [a:wattage]?|\
         will $it trip my fuse, how many [a:watts]?|got enough [a:grunt] for concrete?|\
         $does have the [a:power] for tough jobs?|is 500 [a:watts] about right?|\
         how much [a:oomph] $does have|[a:kw]?|how many [a:horsepower]?",
        "$n W|$n watts",
    ),
    (
        "voltage",
        "what [a:voltage] $does run on?|what is the [a:voltage]$of?|how many [a:volts] $is?|\
         will that work with UK [a:voltage]?|i'm moving to the states, is 110 [a:volts] ok?|\
         our camper is 12 [a:volt], will that do?|[a:240v] ?|\
         $does need a [a:transformer abroad]?|$is dual [a:voltage]?|\
         18 or 36 [a:volts], can't tell from the photo",
        "$n V|230 V",
    ),
    (
        "noise|noise_level",
        "how [a:loud] $is?|$is [a:quiet]?|how [a:noisy] $is?|$does make much [a:noise]?|\
         what's the [a:noise level]$of?|the bedroom is right above. how [a:noisy] $is?|\
         will $it wake the [a:baby]?|thin walls in our flat, what about the [a:noise]?|\
         how many [a:decibels]?|$does [a:hum]?|$does [a:buzz]?|\
         can i have a phone call with it running, i mean the [a:noise]?|\
         neighbours will kill me if it's [a:loud]",
        "$n dB|very quiet",
    ),
    (
        "connectivity|connection",
        "$does have [a:bluetooth]?|how $does [a:connect]?|$does support [a:wifi]?|\
         can i [a:connect] $obj to my phone?|$does come with [a:usb]?|\
         my phone is an old [a:samsung], will they pair?|$does need [a:internet]?|\
         would $it talk to [a:alexa]?|plug in or [a:wireless]?|has it got a [a:headphone jack]?|\
         is there an [a:aux] in?|5 ghz [a:wifi] or only the slow one?|\
         can two people [a:pair] at once?",
        "Bluetooth 5|USB-C|wifi|Bluetooth and cable",
    ),
    (
        "brightness|lumens",
        "how [a:bright] $is?|what [a:brightness] $does have?|how many [a:lumens] $is?|\
         $is [a:bright enough] for a path?|how much [a:light] $does give?|\
         would $it light up a whole [a:garden]?|need to see to read by. [a:bright]?|\
         my eyes aren't what they were. $is [a:bright]?|[a:lumens]??|\
         equivalent to how many [a:watts] in an old bulb?|\
         $is blinding or gentle, i mean the [a:brightness]?|can $it be seen in [a:daylight]?",
        "$n lumens|$n lm",
    ),
    (
        "beam_distance|range",
        "how far does the [a:beam reach]?|what is the [a:beam distance]$of?|\
         how far $does [a:shine]?|what's the [a:range]$of?|what [a:range] $does have?|\
         how [a:far] $does reach?|can i see the end of a 50 m drive with it, what [a:range]?|\
         how far away can i be before it loses [a:signal]?|works through [a:walls]?|\
         would $it [a:reach] the bottom of the garden?|what [a:distance] can $it do|\
         up to how many [a:metres]?",
        "$n m|$d km",
    ),
    (
        "colour_temperature",
        "what is the [a:colour temperature]?|$is [a:warm white]?|$is a warm or cold [a:light]?|\
         how many [a:kelvin] $is?|i hate that cold blue [a:light], is it like that?|\
         $is more yellowish or [a:white]?|[a:cosy light] or like a dentist's?|\
         can i change the [a:colour] of the light?|2700 or 4000 [a:kelvin]?|\
         $is [a:daylight] or warm",
        "$d700 K|warm white|daylight",
    ),
    (
        "dimmable",
        "$is [a:dimmable]?|can $it be [a:dimmed]?|can i [a:dim] $obj?|\
         $does work with a [a:dimmer]?|for the bedroom at night, can you turn it [a:down]?|\
         have a [a:dimmer switch] on the wall. ok?|\
         is it just on and off or can it be [a:dimmed]?|$does flicker on a [a:dimmer]?|\
         [a:dimmable]?",
        "yes|no",
    ),
    (
        "bulb|fitting",
        "what [a:bulb] $does take?|which [a:bulb] $does need?|is a [a:bulb included]?|\
         what [a:fitting] $is?|what's the [a:bulb type]?|bayonet or [a:screw]?|\
         if the [a:bulb goes] can i swap it?|must i buy a [a:bulb] too?|\
         can i put an [a:led bulb] in it?|[a:small edison screw] yes?|what [a:cap] is it",
        "E$n|GU10|LED, included",
    ),
    (
        "cord_length|cable|cable_length",
        "how long is the [a:cord]?|what is the [a:cord length]$of?|how long is the [a:cable]?|\
         what [a:cable] $does come with?|$does have a long [a:cable]?|is the [a:lead long]?|\
         socket is across the room. is the [a:cable long]?|would i need an [a:extension lead]?|\
         [a:lead length]?|do i need an [a:adaptor]?|does the [a:cord wind] up?|\
         what sort of [a:plug] is on it|[a:uk plug]?|is the [a:cable detachable]",
        "$d m|$n cm",
    ),
    (
        "settings|modes|speeds",
        "how many [a:settings] $does have?|what [a:modes] $does have?|\
         how many [a:speeds] are there?|which [a:settings] are there?|\
         $does have different [a:speeds]?|just one [a:speed] or more?|\
         $is simple? my mum hates too many [a:buttons]|$does have an eco [a:mode]?|\
         can i set the exact [a:temperature]?|$does have a [a:pulse setting]?|\
         low med high or what [a:settings]|different [a:programmes]?|is there a [a:night mode]?",
        "$d|low, medium, high",
    ),
    (
        "timer",
        "$does have a [a:timer]?|how long is the [a:timer]?|can i set a [a:timer]?|\
         is there a [a:timer] on it?|can i set it to come on at [a:six]?|\
         $does [a:beep] at the end?|need to be able to leave it, has it got a [a:timer]?|\
         [a:countdown]?|$does have a [a:clock]?|delay [a:start]?",
        "yes|$n minutes|no",
    ),
    (
        "auto_off|auto_shut_off",
        "$does have [a:auto off]?|$does [a:turn off] by itself?|\
         $does [a:switch off] when it boils?|is there an [a:auto shut off]?|\
         i'm forever forgetting to turn things off. [a:auto off]?|\
         what if i leave the house with it on, does it [a:cut out]|\
         does it [a:shut down] if it overheats?|[a:boil dry protection]?|\
         will $it turn itself [a:off]?|safe if grandad forgets it, [a:automatic shut-off]?",
        "yes|after $n minutes|no",
    ),
    (
        "energy_rating|energy",
        "what [a:energy rating] $does have?|how much [a:electricity] $does use?|\
         what's the [a:energy class]$of?|$is [a:energy efficient]?|will $it eat [a:electricity]?|\
         what would $it cost me to run, how much [a:energy]?|how many [a:kwh] a year?|\
         we're on a prepay meter. how much [a:power] $does use?|[a:energy label]?|\
         $is a [a:rated]?|[a:standby consumption]?",
        "A|B|$n kWh",
    ),
    (
        "screen|display|screen_size",
        "how big is the [a:screen]?|what [a:screen] $does have?|$does have a [a:screen]?|\
         what is the [a:screen size]$of?|$is a [a:touchscreen]?|what's the [a:display] like?|\
         i'd need my glasses, is the [a:display big]?|does the [a:screen work] with gloves on?|\
         can you read the [a:screen] in sun?|[a:inches]?|is the [a:screen glossy]|[a:oled]?|\
         does the [a:glass scratch easily]",
        "$d.5 inch|OLED|$n inch",
    ),
    (
        "resolution",
        "what [a:resolution] $is?|what is the [a:resolution]$of?|\
         how many [a:megapixels] $does have?|is the [a:resolution good]?|$does do [a:4k]?|\
         [a:full hd]?|pixelated or nice and sharp, what [a:resolution]?|\
         good enough to print a poster, how many [a:megapixels]?|1080 or [a:4k]?|\
         does it upscale, or is it really [a:4k]|[a:dpi]?",
        "$n MP|4K|1080p",
    ),
    (
        "ports",
        "how many [a:ports] $does have?|what [a:ports] are there?|$does have an [a:hdmi port]?|\
         which [a:ports] $does have?|$does have [a:usb c]?|\
         i've an old scart lead, $does have the [a:socket]?|can i plug in two [a:monitors]?|\
         somewhere for an [a:sd card]?|enough [a:usb sockets]?|[a:ethernet]?|\
         is there an [a:optical output]?|[a:displayport]?",
        "$d USB-C|HDMI, USB|$d",
    ),
    (
        "storage|memory",
        "how much [a:storage] $does have?|how many [a:gigabytes] $is?|\
         what [a:memory] $does have?|can i expand the [a:storage]?|what's the [a:storage]$of?|\
         i take loads of photos. how many [a:gigs]?|64 or 128 [a:gb]?|takes a [a:memory card]?|\
         will i run out of [a:space]?|ssd or [a:hard drive]?|\
         room for all my music, what [a:storage]?",
        "$n GB|$d TB",
    ),
    (
        "ram",
        "how much [a:ram] $does have?|what [a:ram] is in it?|and the [a:ram]?|\
         how many gigs of [a:ram]?|16 [a:gigs]?|can i add more [a:ram later]?|\
         for video editing is the [a:memory enough]?|is the [a:ram soldered]|\
         8 or 16, i mean [a:ram]",
        "$d GB|$n GB",
    ),
    (
        "processor",
        "what [a:processor] $does have?|which [a:chip] $does use?|what's the [a:processor]$of?|\
         how fast is the [a:processor]?|what [a:cpu] is in it|\
         will $it run the new football game, which [a:graphics card]?|[a:intel] or amd?|\
         my old one was dead slow. what [a:processor]?|is it an [a:i5]?|how many [a:cores]?",
        "$d cores|$n GHz",
    ),
    (
        "operating_system|software",
        "what [a:operating system] $does run?|which [a:software] $does use?|\
         $does run [a:android]?|is there an [a:app] for it?|[a:windows] or chromebook?|\
         do i have to sign up for an [a:account]?|$is still getting [a:updates]?|\
         does the [a:app] cost anything?|can i install [a:linux]?|$does come with [a:office]?|\
         needs a [a:subscription]?",
        "Android $d|own app|Linux",
    ),
    (
        "compatibility|fits|works_with",
        "$does work with [a:$v]?|$is [a:compatible] with $v?|$does fit a [a:$v]?|\
         can i use it with an [a:iphone]?|what $is [a:compatible] with?|\
         will that [a:work] with my $v?|got a [a:$v] at home, will this go with it?|\
         mine is ten years old. $does [a:fit older] ones?|$does do [a:android] too?|\
         $is [a:universal]?|my [a:$v] is from another make, is that a problem?|\
         will $it fit in a [a:fiat 500]?|$does fit a [a:vw transporter]?|standard [a:fitting]?",
        "most models|$n mm|$v only",
    ),
    (
        "sound|speaker|drivers",
        "what's the [a:sound] like?|how good is the [a:sound]?|$does have a [a:speaker]?|\
         what [a:drivers] $does have?|is the [a:sound quality good]?|is the [a:bass] any good?|\
         for a kitchen, loud enough? what's the [a:sound] like|\
         my hearing is poor, $does go [a:loud]?|[a:stereo]?|\
         tinny or rich, what's the [a:audio] like?|can i use two of them for [a:surround]?",
        "$n mm|stereo|$n W",
    ),
    (
        "noise_cancelling",
        "$does have [a:noise cancelling]?|$is [a:noise cancelling]?|\
         how good is the [a:noise cancelling]?|$does block out [a:noise]?|\
         i sit next to a loud colleague. [a:noise cancelling]?|would i still hear [a:traffic]?|\
         [a:anc]?|$is good on a [a:plane]?|$does cut out [a:engine noise]?|\
         [a:transparency mode]?",
        "active|passive|no",
    ),
    (
        "microphone",
        "$does have a [a:microphone]?|is there a [a:mic] on it?|can i make [a:calls] with it?|\
         how good is the [a:microphone]?|can people hear me on [a:zoom]?|\
         is it for listening only or is there a [a:mic]|[a:hands free]?|\
         does the [a:mic pick] up background noise?|can i talk to [a:siri] with it",
        "yes|no|dual",
    ),
    (
        "camera",
        "$does have a [a:camera]?|how good is the [a:camera]?|what [a:camera] $does have?|\
         what's the [a:camera] like?|can $it take [a:selfies]?|[a:night vision]?|\
         $does [a:record all] the time|[a:webcam]?|\
         for video calls with the grandchildren, is there a [a:camera]?|front [a:camera]?|\
         can $it [a:film underwater]?",
        "$n MP|none",
    ),
    (
        "refresh_rate",
        "what [a:refresh rate] $does have?|what is the [a:refresh rate]$of?|\
         how many [a:hertz] $is?|and the [a:refresh rate]?|$is 60 or 144 [a:hz]?|\
         for gaming: [a:refresh rate]?|$does judder when there's football on, what [a:hz]?|\
         [a:fps]?|[a:response time]?",
        "$n Hz",
    ),
    (
        "speed|top_speed",
        "how [a:fast] $is?|what's the [a:top speed]$of?|how [a:fast] $does go?|\
         what [a:speed] can $it do?|how many [a:rpm]?|\
         legal on the road, what's the [a:top speed]?|$does go faster than 15 [a:mph]?|\
         $is [a:quick]?|[a:pages per minute]?|too [a:slow] for motorway?|\
         what's the max [a:revs]",
        "$n km/h|$n rpm",
    ),
    (
        "torque",
        "what [a:torque] $does have?|how much [a:torque] $does have?|what is the [a:torque]$of?|\
         and the [a:torque]?|will $it undo wheel nuts, what [a:torque]?|\
         strong enough for 100 mm screws? [a:torque]?|can i set the [a:torque]?|\
         [a:newton metres]?|how many [a:nm]",
        "$n Nm",
    ),
    (
        "chuck|bit_size",
        "what [a:chuck] $does have?|what [a:bits] $does take?|how big is the [a:chuck]?|\
         which [a:bits fit]?|will my old [a:bits go] in|10 or 13 mm [a:chuck]?|[a:sds]?|\
         can you change the [a:bit without] a key?|$does have a [a:hex chuck]?|\
         [a:quick change]?",
        "$n mm|hex|keyless",
    ),
    (
        "pressure",
        "what [a:pressure] $does have?|how much [a:pressure] can $it take?|\
         what is the [a:maximum pressure]$of?|how many [a:bar] $is?|\
         enough to clean a patio? what [a:pressure]?|$does go up to 120 [a:psi]?|\
         low [a:water pressure] in our house, will $it work?|how many [a:bar] does the pump make|\
         is there a [a:gauge]?",
        "$n bar|$n psi",
    ),
    (
        "heat_output|heating",
        "how much [a:heat] $does give?|what is the [a:heat output]$of?|\
         $does [a:heat] a whole room?|how [a:hot] $does get?|\
         big draughty church hall, enough [a:heat]?|how many [a:btu]?|\
         our lounge is 25 square metres. will $it [a:warm] that?|\
         does the outside get [a:hot]? we have toddlers|[a:kw output]?|\
         how long till it's [a:hot]?",
        "$n W|$d kW",
    ),
    (
        "filter",
        "what [a:filter] $does use?|how often do i change the [a:filter]?|\
         is the [a:filter washable]?|$does have a [a:filter]?|where do i get new [a:filters]?|\
         hay fever sufferer, $is [a:hepa]?|does the [a:filter] need replacing|[a:bagless]?|\
         how many months for one [a:filter]?|fits [a:brita]?",
        "HEPA|washable|every $d months",
    ),
    (
        "suction",
        "how strong is the [a:suction]?|what [a:suction] $does have?|is the [a:suction good]?|\
         how well $does [a:suck]?|two huskies moulting... is the [a:suction strong]?|\
         $does pick up [a:pet hair]?|any good on [a:carpet]?|loses [a:suction] when full?|\
         [a:pascals]?|would $it hoover up [a:cat litter]?",
        "$n W|$n Pa",
    ),
    (
        "freezer_capacity|fridge_capacity",
        "family of five. [a:fridge capacity]?|how many bags of shopping in the [a:freezer]?|\
         $does have a [a:freezer bit]?|[a:fridge bigger] than freezer?|\
         a turkey at christmas, $does go in the [a:freezer]?",
        "$n l|$n litres",
    ),
    (
        "spin_speed|spin",
        "clothes come out soaking in mine. what [a:spin]?|how many [a:rpm] on spin?|\
         [a:spin speed]?|can you turn the [a:spin down]?|\
         $does walk across the floor on [a:spin]?",
        "1$n rpm|1400 rpm",
    ),
    (
        "drum_capacity|load_capacity",
        "does a king size duvet go in the [a:drum]?|7 or 9 kilo [a:drum]?|\
         we're six at home. what [a:load]?|[a:drum size]?|how many [a:kilos] of washing?",
        "$d kg|$n kg",
    ),
    (
        "water_use|water_consumption",
        "we're on a meter. how much [a:water]?|[a:litres per wash]?|\
         $does waste a lot of [a:water]?|how much [a:water] does one cycle take?|\
         [a:water consumption]?",
        "$n l|$d l per cycle",
    ),
    (
        "descaling|limescale",
        "we've very hard [a:water] here|how often do i [a:descale]?|\
         $does fur up, any [a:limescale filter]?|is $it easy to [a:descale]?|[a:limescale]?",
        "every $d months|automatic|not needed",
    ),
    (
        "milk_frother|frother",
        "$does do the [a:milk]?|cappuccino at home, is there a [a:frother]?|\
         oat [a:milk works] in it?|[a:steam wand]?|is the [a:frother] a pain to clean",
        "steam wand|automatic|none",
    ),
    (
        "pods|pod_type|capsules",
        "what [a:capsules]?|$does take any [a:pods] or only your own?|[a:nespresso]?|\
         beans or [a:ground]?|can i use normal [a:coffee] in it",
        "$v|ground only|own capsules",
    ),
    (
        "inverter|motor",
        "brushed or [a:brushless]?|what [a:motor] is it|\
         does the [a:motor burn out], my old one did|who makes the [a:motor]?|[a:two stroke]?|\
         how old is the [a:engine design]",
        "brushless|$n W|induction",
    ),
    (
        "fuel|fuel_type",
        "[a:petrol] or electric?|what [a:fuel goes] in?|how big is the [a:tank]?|\
         which [a:gas bottle] do i need?|can i burn [a:wet wood]?|mix or straight [a:unleaded]?",
        "petrol|battery|$d kg gas",
    ),
    (
        "starting|start",
        "pull [a:cord] or button?|i'm 74, $is easy to [a:start]?|\
         cold mornings, $does [a:start first time]?|[a:electric start]?|[a:ignition]?",
        "pull cord|electric|key",
    ),
    (
        "remote|remote_control",
        "can i do it from the sofa, is there a [a:remote]?|[a:remote control]?|\
         $does need a [a:remote]?|lost [a:remote replaceable]?|works with my [a:tv remote]?",
        "yes|infrared|none",
    ),
    (
        "solar|solar_powered",
        "no sockets out there. [a:solar]?|$does charge in [a:cloudy weather]?|\
         winter sun enough for the [a:solar panel]?|is the [a:panel built] in|\
         [a:solar powered]?",
        "yes|$d W panel|no",
    ),
    (
        "smart|smart_home",
        "[a:google home]?|$does go on a [a:schedule]?|\
         can i turn $obj on from work with my [a:phone]?|works when the [a:wifi] is down?|\
         [a:smart] or dumb?|[a:homekit]?",
        "yes|Matter|no",
    ),
    (
        "tracking|gps_tracking",
        "has it got [a:gps]?|would i be able to see where my [a:dog] is?|$does count [a:steps]?|\
         needs a [a:sim card]?|[a:tracking]?|$does show [a:pace]?",
        "yes|$d m|no",
    ),
    (
        "heart_rate|sensors",
        "$does do [a:blood pressure]?|[a:heart rate]?|how accurate is the [a:pulse]?|\
         can $it tell how i [a:sleep]?|[a:oxygen]?",
        "optical|ECG|none",
    ),
    (
        "keys|key_count",
        "how many [a:keys]?|are the [a:keys weighted]?|$does have a [a:pedal]?|\
         can i plug in [a:headphones]?|full size [a:keys] for my daughter?",
        "$n|88, weighted",
    ),
];
