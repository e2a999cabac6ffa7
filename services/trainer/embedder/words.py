"""Word lists behind the generated shop texts. Written for this purpose; no retailer's data.

Breadth comes from `dictionary`, which adds the machine's own word list where there is one.
"""

from __future__ import annotations

from pathlib import Path

DICTIONARY = Path("/usr/share/dict/words")


def split(text: str) -> list[str]:
    """Splits a comma separated list."""
    return [part.strip() for part in text.replace("\n", " ").split(",") if part.strip()]


def dictionary(fallback: list[str]) -> list[str]:
    """Returns plain lower-case words of 3 to 12 letters: Debian's word list, or else `fallback`."""
    source = DICTIONARY.read_text().split() if DICTIONARY.exists() else fallback
    return sorted({word for word in source if word.isascii() and word.isalpha() and word.islower() and 3 <= len(word) <= 12})


NOUNS = split("""
kettle, toaster, frying pan, saucepan, chef's knife, chopping board, mixing bowl, baking tray, coffee grinder, teapot, espresso machine,
water bottle, lunch box, dinner plate, wine glass, cutlery set, storage jar, bread bin, kitchen scale, blender, food processor, air fryer,
slow cooker, microwave, fridge freezer, dishwasher, washing machine, tumble dryer, vacuum cleaner, steam iron, ironing board, mop,
running shoes, hiking boots, sandals, trainers, slippers, wellington boots, ankle boots, loafers, football boots, socks, tights,
rain jacket, down jacket, fleece, jumper, cardigan, hoodie, t-shirt, polo shirt, blouse, dress, skirt, jeans, chinos, shorts, leggings,
swimsuit, swimming trunks, bra, pyjamas, dressing gown, suit, tie, belt, scarf, gloves, beanie, baseball cap, sun hat, umbrella,
backpack, suitcase, handbag, wallet, purse, tote bag, laptop sleeve, rucksack cover, packing cubes, wash bag, sunglasses, watch,
necklace, earrings, bracelet, wedding ring, tent, sleeping bag, camping stove, head torch, camping chair, cool box, trekking poles,
climbing harness, rope, compass, hydration pack, roof box, bicycle, bike helmet, bike lock, bike pump, saddle, inner tube, pannier,
yoga mat, dumbbell, kettlebell, resistance band, skipping rope, rowing machine, treadmill, exercise ball, tennis racket, golf club,
football, basketball, cricket bat, goalkeeper gloves, swimming goggles, wetsuit, surfboard, snowboard, ski helmet, ice skates, fishing rod,
headphones, earbuds, soundbar, bluetooth speaker, record player, microphone, webcam, keyboard, mouse, monitor, laptop, tablet, e-reader,
smartphone, phone case, screen protector, charger, power bank, usb cable, hdmi cable, memory card, external drive, router, printer,
ink cartridge, graphics card, games console, game controller, camera, tripod, lens, drone, smart watch, fitness tracker, doorbell camera,
television, projector, desk lamp, floor lamp, light bulb, string lights, candle, picture frame, mirror, wall clock, vase, cushion, throw,
rug, curtain, blind, duvet, pillow, mattress, bed frame, wardrobe, chest of drawers, bedside table, bookcase, desk, office chair, sofa,
armchair, coffee table, dining table, stool, shelf, shoe rack, coat hook, laundry basket, towel, bath mat, shower curtain, soap dispenser,
toothbrush, toothpaste, shampoo, conditioner, face cream, sunscreen, lipstick, mascara, perfume, razor, hair dryer, hair straightener,
nail polish, hand soap, deodorant, vitamin tablets, plasters, thermometer, heating pad, massage gun, pram, car seat, baby monitor, nappies,
feeding bottle, high chair, cot, baby carrier, building blocks, doll, board game, jigsaw puzzle, toy train, teddy bear, scooter, paint set,
colouring book, notebook, fountain pen, pencil case, sketchbook, stapler, calendar, greeting card, wrapping paper, novel, cookbook, atlas,
dog bed, dog lead, dog food, cat litter, scratching post, cat food, bird feeder, fish tank, hamster cage, pet brush, lawn mower,
hedge trimmer, garden hose, watering can, plant pot, compost, spade, secateurs, greenhouse, barbecue, patio heater, garden bench, parasol,
bird bath, seeds, drill, screwdriver set, hammer, saw, spanner, toolbox, ladder, paint roller, wall paint, sandpaper, screws, tape measure,
spirit level, extension lead, smoke alarm, padlock, work gloves, safety glasses, car battery, wiper blades, engine oil, dash cam, tyre inflator,
guitar, ukulele, piano, violin strings, drum kit, music stand, sewing machine, knitting needles, wool yarn, fabric, embroidery kit, easel,
olive oil, coffee beans, green tea, dark chocolate, honey, pasta, biscuits, protein powder, hot sauce, rice, breakfast cereal, red wine
""")

MATERIALS = split("""steel, stainless steel, cast iron, aluminium, copper, brass, titanium, oak, walnut, bamboo, pine, beech, plywood, glass,
ceramic, porcelain, stoneware, marble, granite, concrete, leather, suede, vegan leather, cotton, organic cotton, linen, silk, wool, merino,
cashmere, fleece, denim, canvas, nylon, polyester, recycled polyester, viscose, down, rubber, silicone, cork, plastic, recycled plastic,
carbon fibre, rattan, wicker, felt, velvet, satin, paper, cardboard, memory foam, latex, gold plated, sterling silver""")

COLOURS = split("""red, blue, green, black, white, grey, navy, teal, turquoise, burgundy, crimson, pink, coral, orange, amber, yellow,
mustard, olive, khaki, sage, mint, lavender, purple, violet, brown, tan, beige, cream, ivory, charcoal, silver, gold, rose gold, bronze, clear""")

ADJECTIVES = split("""waterproof, lightweight, foldable, adjustable, cordless, rechargeable, wireless, insulated, breathable, non-stick,
dishwasher safe, hard-wearing, compact, portable, stackable, quiet, energy saving, extra large, slim, padded, quick-drying, windproof,
stretchy, soft, warm, handmade, vintage, modern, classic, ergonomic, heavy duty, anti-slip, scratch resistant, shatterproof, hypoallergenic,
unscented, gluten free, vegan, organic, refillable, reusable, washable, reversible, multi-purpose, professional, beginner friendly, kids',
women's, men's, unisex, travel, outdoor, indoor, double-walled, noise cancelling, solar powered, smart, electric, manual, steel-toed""")

USES = split("""commuting, trail running, long walks, camping, festivals, small kitchens, family dinners, students, the office, home working,
travelling by train, hand luggage, wet weather, cold mornings, hot summers, beginners, professionals, children over three, toddlers, new parents,
older people, gifts, weddings, birthdays, everyday use, weekend trips, gardening, painting walls, sensitive skin, dry hair, long-haired dogs,
indoor cats, balcony plants, heavy loads, tight spaces, music practice, video calls, gaming, reading in bed, baking bread, brewing coffee,
picnics, the gym, yoga, swimming, cycling to work, winter hikes, night rides, school, university, hotel rooms, rented flats, shared houses""")

PARTS = split("""handle, lid, strap, zip, sole, lining, hood, pocket, blade, base, filter, battery, motor, cable, screen, button, hinge, frame,
wheel, seat, cover, collar, cuff, waistband, buckle, nozzle, lens, stand, leg, drawer, shelf, hook, clip, seal, valve, pump, brush head,
charger, remote control, manual, case, insole, mattress topper, spout, trigger, pedal, chain, brake, lamp, sensor, switch, hose""")

ATTRIBUTES = split("""weight, height, width, depth, length, size, capacity, volume, power, voltage, battery life, charging time, noise level,
material, colour, pattern, fit, sleeve length, heel height, waist, inside leg, age range, number of pieces, warranty, country of origin,
care instructions, washing temperature, ingredients, allergens, calories, screen size, resolution, storage, memory, range, speed,
water resistance, load limit, thread count, filling, energy rating, connector, cable length, wattage, brightness, colour temperature""")

UNITS = split("""g, kg, mm, cm, m, ml, litres, W, V, mAh, hours, minutes, inches, lumens, dB, GB, TB, Hz, bar, °C, km, sheets, pieces, tabs""")

TOPICS = split("""returns, refunds, exchanges, delivery, next day delivery, click and collect, international shipping, customs charges, gift cards,
gift wrapping, discount codes, student discount, loyalty points, price match, warranty, repairs, spare parts, recycling, old appliance collection,
assembly service, order changes, cancellations, missing parcels, damaged items, wrong items, size guide, product reviews, payment methods,
paying in instalments, invoices, VAT receipts, newsletter, account deletion, password reset, privacy, cookies, stock notifications,
pre-orders, sale items, final sale, opening hours, store locations, accessibility, business orders, sustainability, packaging, age checks""")

PEOPLE = split("my mum, my dad, my son, my daughter, my sister, my brother, my wife, my husband, my partner, a friend, my boss, a colleague, my neighbour, my nan, our team, the kids, myself")

ENDINGS = split("a, o, en, ix, ara, elle, mont, field, wick, stone, ly, ora, eta, ium, berg, dale, worth, ova, ini, ex")
ONSETS = split("b, br, c, cl, d, dr, f, fl, g, gr, h, j, k, kr, l, m, n, p, pr, qu, r, s, sk, st, t, tr, v, w, z, th, sh")
VOWELS = split("a, e, i, o, u, ea, oo, ai, y")
CODAS = split("b, ck, d, l, ll, m, n, nd, r, rk, s, sh, t, tt, v, x, lm, mp")
